import "./styles/base.css";
import "./styles/parts.css";
import "./styles/views.css";
import "./styles/mesh.css";
import { render } from "preact";
import { App } from "./app";
import { watch } from "./contact";

const root = document.getElementById("app");
if (root) render(<App />, root);
void watch();

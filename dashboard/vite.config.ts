import { defineConfig } from "vite";

export default defineConfig({
  base: "/dashboard/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../src/aimux/bundle/dashboard",
    emptyOutDir: true,
    target: "es2022",
    // The gateway serves what its policy allows: nothing inline, every file by its name.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    // `npm run dev` shows the page as it is written, with the answers of a gateway that runs beside it.
    proxy: Object.fromEntries(
      ["/readyz", "/routes", "/agents", "/config", "/audit", "/dashboard/api"].map((path) => [
        path,
        { target: "http://127.0.0.1:8080", changeOrigin: true },
      ]),
    ),
  },
});

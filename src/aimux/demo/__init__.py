"""A mesh to try things on: example agents, the playground of `make run`, and the story that `aimux demo` plays."""

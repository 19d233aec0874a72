"""What the browser tests are played with: a mesh with known traffic, and pages that tell of what must not happen."""

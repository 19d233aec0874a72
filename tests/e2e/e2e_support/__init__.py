"""What the end-to-end tests are played with: the gateway as a process, raw clients, scripted upstreams."""

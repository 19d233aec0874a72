"""The gateway's sockets: clients on one side, upstreams on the other."""

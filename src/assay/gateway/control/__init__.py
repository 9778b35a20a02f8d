"""The control plane: what pages and commands ask of the gateway. A worker, which only answers clients, loads none of it."""

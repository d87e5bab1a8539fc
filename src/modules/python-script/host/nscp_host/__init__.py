"""The Python side of a script host: what runs scripts and talks to the gateway for them."""

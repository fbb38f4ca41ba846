"""One event through a built function in a container, against the lab served over HTTP."""

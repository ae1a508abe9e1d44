"""Models of what calls the driver: the sidecars, kubelet and the controllers of Kubernetes."""

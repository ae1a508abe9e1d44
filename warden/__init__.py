"""The warden: looks at Kubernetes and asks the controller, and brings both together. It has no cloud token."""

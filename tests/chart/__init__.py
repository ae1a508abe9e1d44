"""What the Helm chart makes of values, rendered by helm itself."""

"""How much memory the warden takes."""

"""What goes wrong on purpose: rules that say when, by chance or by count, and what."""

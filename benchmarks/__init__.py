"""What the driver costs, measured on the machine at hand. README.md says what each measures, and against what."""

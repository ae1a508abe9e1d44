"""The kubectl plugin, on an API server in memory that holds what the chart makes."""

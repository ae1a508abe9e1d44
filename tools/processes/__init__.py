"""Start programs and find what they leave: for the tools, the tests and the benchmarks."""

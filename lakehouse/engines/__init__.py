"""What runs the clean step: a kernel of pure functions, and the engines that call it over blocks and grains."""

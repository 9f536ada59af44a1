"""Training without labels: two views of every picture are to find each other. Mixings whose losses are InfoNCE, on one of two hosts."""

"""Where in weight space the gradient is taken: one module a perturbation or a part of one."""

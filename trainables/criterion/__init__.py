"""How per-example losses become one number: one module a criterion."""

"""Lo que solo usa la lección 10."""

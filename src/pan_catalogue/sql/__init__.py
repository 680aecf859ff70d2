"""From the query model to parametrised SQL: fragments, the two dialects, conditions, and the shapes that sets of rows take."""

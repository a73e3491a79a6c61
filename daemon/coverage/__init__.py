"""Coverage reports, one module a format; what a report is, its content decides."""

"""The report: one HTML file without external references, or Markdown for a ticket."""

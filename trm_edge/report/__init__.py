"""What reports are made of: charts as SVG, tables, self-contained HTML pages, and what a measurement was made with.

Knows numbers and text; does not know what they measure.
"""

"""Configuration as typed dataclasses: constraints declared beside each field, checked where values come in."""

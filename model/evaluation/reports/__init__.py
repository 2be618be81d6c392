"""What evaluations show: tables of several models side by side, on the terminal, as pages and as JSON."""

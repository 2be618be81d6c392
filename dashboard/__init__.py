"""The pages in the browser: the live flight, recordings, and the workshop. Decides nothing about the flight."""

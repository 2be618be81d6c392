"""The pages in the browser: live flight, recordings, workshop. Makes no decisions about the flight."""

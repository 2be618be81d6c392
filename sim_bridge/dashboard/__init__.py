"""The page on which people watch the flight and steer it. Serves and listens; decides nothing about the flight."""

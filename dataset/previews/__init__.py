"""Pictures of recordings: contact sheets, maps, films."""

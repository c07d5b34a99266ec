"""Node classes: each wraps one system and only converts messages."""

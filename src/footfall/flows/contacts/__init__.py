"""Contacts as the API sees them: create, change and erase them."""

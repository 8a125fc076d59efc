"""Mailchimp's Marketing API 3.0 for audiences made of tags, as its documents describe it."""

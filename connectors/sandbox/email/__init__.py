"""The email and CRM tools besides Mailchimp, one module each, over one memory of people, their consent, lists and jobs.

Each module is written from its tool's documents alone and is strict in the way that its tool is strict.
"""

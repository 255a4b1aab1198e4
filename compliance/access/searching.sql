-- Who looked at a conversation is asked more often than anything else.
create index access_log_of_conversation on compliance.access_log (tenant, (about->>'conversationId'), entry);

"""What several processes share through Redis or Valkey; losing it loses no record of anything."""

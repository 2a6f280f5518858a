"""What a database that is not the newest copy of the log may sign: nothing."""

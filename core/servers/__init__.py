"""The embedded servers: real Redis, PostgreSQL and MongoDB, owned by one state folder, shared by every running copy."""

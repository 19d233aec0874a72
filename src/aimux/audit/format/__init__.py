"""The format of the audit log: one table of fields, and what reads and writes records by it.

`field` is what the table says of a field, `schema` the table, `events` the records that tell of the log itself.
`reading` and `writing` go by the table, and so do index, exports, the API's models, the dashboard and docs/audit.md.
"""

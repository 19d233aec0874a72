"""The audit log: chains of records on disk, signed checkpoints, and everything that is read from them.

`lines` writes a request's records, `writer` keeps one chain, `log` is what the gateway tells. `verify`, `index`,
`query`, `follow` and `export` read what was written. docs/audit.md describes the format for readers in any language.
"""

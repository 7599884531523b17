// Package postgres opens stores on a PostgreSQL server: one schema each, one connection that writes and holds the schema's lease, a
// pool of readers. See README.md for the life of a store here.
package postgres

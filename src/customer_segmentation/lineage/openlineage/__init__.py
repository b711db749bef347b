"""Tell what a run reads and makes as OpenLineage events, to a file or a server of lineage."""

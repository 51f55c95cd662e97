/* SPDX-License-Identifier: Apache-2.0 */
#include "seed.h"

/*
 * A plan is a staggered pattern: rows `burden` metres apart, holes `spacing` metres
 * apart, every second row shifted by half a spacing, along a bench that runs a few
 * degrees off north. Depth is the bench's height and the subdrill, and what the
 * ground's unevenness adds. The numbers are invented, and the same every time.
 */
const char seed_sql[] =
	"CREATE TABLE site (id TEXT PRIMARY KEY, name TEXT NOT NULL) STRICT;"
	"CREATE TABLE plan ("
	" site_id TEXT NOT NULL REFERENCES site, id TEXT NOT NULL, name TEXT NOT NULL,"
	" modified_at TEXT NOT NULL, is_ready INTEGER NOT NULL,"
	" easting REAL NOT NULL, northing REAL NOT NULL, elevation REAL NOT NULL,"
	" burden REAL NOT NULL, spacing REAL NOT NULL, height REAL NOT NULL,"
	" row_count INTEGER NOT NULL, row_length INTEGER NOT NULL,"
	" progress INTEGER NOT NULL,"
	" PRIMARY KEY (site_id, id), UNIQUE (site_id, name)) STRICT;"
	"CREATE TABLE hole ("
	" site_id TEXT NOT NULL, plan_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"
	" easting REAL NOT NULL, northing REAL NOT NULL, elevation REAL NOT NULL,"
	" depth REAL NOT NULL, status TEXT NOT NULL,"
	" PRIMARY KEY (site_id, plan_id, id), UNIQUE (site_id, plan_id, name),"
	" FOREIGN KEY (site_id, plan_id) REFERENCES plan) STRICT;"

	"INSERT INTO site VALUES ('north-pit', 'North Pit'), ('south-pit', 'South Pit');"

	/* `progress`: how many holes are drilled. An id or name is unique in its site only. */
	"INSERT INTO plan VALUES"
	" ('north-pit', 'np-1240-014', 'NP 1240 014', '2026-11-02T06:40:00Z', 1,"
	"  482310.4, 7514120.8, 1240.0, 5.5, 6.3, 12.0, 6, 8, 48),"
	" ('north-pit', 'np-1240-015', 'NP 1240 015', '2026-11-14T05:55:00Z', 1,"
	"  482361.0, 7514131.2, 1240.0, 5.5, 6.3, 12.0, 5, 9, 21),"
	" ('north-pit', 'np-1228-003', 'NP 1228 003', '2026-11-19T13:10:00Z', 0,"
	"  482295.7, 7514060.1, 1228.0, 5.0, 5.8, 12.0, 4, 9, 0),"
	" ('north-pit', 'ramp-02', 'Ramp 02', '2026-11-20T04:20:00Z', 1,"
	"  482240.0, 7513985.5, 1252.0, 4.0, 4.6, 6.0, 3, 6, 9),"
	" ('south-pit', 'sp-0865-022', 'SP 0865 022', '2026-10-28T21:15:00Z', 1,"
	"  483905.2, 7511482.6, 865.0, 4.5, 5.2, 10.0, 6, 7, 42),"
	" ('south-pit', 'sp-0865-023', 'SP 0865 023', '2026-11-17T22:30:00Z', 1,"
	"  483948.9, 7511490.3, 865.0, 4.5, 5.2, 10.0, 5, 8, 12),"
	" ('south-pit', 'sp-0855-001', 'SP 0855 001', '2026-11-20T09:05:00Z', 0,"
	"  483890.0, 7511440.0, 855.0, 4.2, 4.8, 10.0, 4, 8, 0),"
	" ('south-pit', 'ramp-02', 'Ramp 02', '2026-11-20T11:45:00Z', 0,"
	"  484010.6, 7511525.0, 875.0, 4.0, 4.6, 6.0, 3, 5, 0);"

	"WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n+1 FROM number WHERE n < 99),"
	" spot AS (SELECT plan.*, n, n / row_length AS row, n % row_length AS place,"
	"  (n * 7919 + length(plan.id) * 31 + CAST(elevation AS INTEGER)) % 17 - 8 AS uneven"
	"  FROM plan JOIN number ON n < row_count * row_length),"
	" metre AS (SELECT *, (place + 0.5 * (row % 2)) * spacing AS along, row * burden AS across"
	"  FROM spot)"
	"INSERT INTO hole SELECT site_id, id, char(97 + row) || printf('%02d', place + 1),"
	" char(65 + row) || printf('%02d', place + 1),"
	" round(easting + across * 0.978 + along * 0.208, 2),"
	" round(northing + along * 0.978 - across * 0.208, 2),"
	" round(elevation + uneven * 0.04, 2),"
	" round(height + 1.2 + uneven * 0.04 + CASE WHEN n < progress THEN (n % 5) * 0.05 ELSE 0 "
	"END,"
	" 2), CASE WHEN n >= progress THEN 'designed' WHEN progress = row_count * row_length AND "
	"row < 2"
	" THEN 'loaded' ELSE 'drilled' END FROM metre;"
	"PRAGMA user_version = 1;";

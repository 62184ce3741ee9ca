-- The exit statuses of design and man page, by name.
return {
  fine = 0,
  findings = 1,
  usage = 2,
  load = 3,
  decide = 4,
  inconclusive = 5,
  io = 6,
  integrity = 7,
}

#!/bin/sh
# Starts a program in a session of its own, its output appended to a file, and prints its pid: LOG PROGRAM ARG...
set -eu
log=$1
shift
# Not a group leader here, so setsid does not fork and $! stays the program's pid.
setsid "$@" </dev/null >>"$log" 2>&1 &
echo $!

# Runs a command with a socket for its standard input that listens on a TCP port of all addresses: listen.pl PORT COMMAND ...
use strict;
use warnings;
use Socket qw(:DEFAULT SOCK_NONBLOCK);

my ($port, @command) = @ARGV;
# nginx waits for a connection that another of its workers has taken, and serves nobody meanwhile, where a socket that it takes
# over lets it wait.
socket(my $socket, PF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) or die "socket: $!";
bind($socket, sockaddr_in($port, INADDR_ANY)) or die "port $port: $!";
listen($socket, 4096) or die "listen: $!";
open(STDIN, '<&', $socket) or die "standard input: $!";
exec(@command) or die "$command[0]: $!";

# Waits until each upstream of a configuration that has servers has one that takes connections: backends.pl CONFIGURATION
use strict;
use warnings;
use IO::Socket::INET;
use List::Util qw(first);

my ($file) = @ARGV;
open(my $lines, '<', $file) or die "$file: $!";
my (%servers, $upstream);
while (my $line = <$lines>) {
    $upstream = $1 if $line =~ /^\s*upstream (\S+) \{/;
    # One that drains is for probes alone.
    push @{$servers{$upstream}}, $1 if defined $upstream && $line =~ /^\s*server (\S+:\d+) resolve (?!drain)/;
    undef $upstream if $line =~ /^\s*\}/;
}

while (%servers) {
    for my $name (keys %servers) {
        delete $servers{$name} if first { IO::Socket::INET->new(PeerAddr => $_, Timeout => 0.3) } @{$servers{$name}};
    }
    select(undef, undef, undef, 0.05) if %servers;
}

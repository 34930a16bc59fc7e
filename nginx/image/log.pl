# Keeps the logs of a folder: log.pl begin LOGS | names LOGS RELEASE | keep LOGS RELEASE PID
#
# begin makes files where there are none, names writes down once whose addresses those of a release are, keep does so for as long
# as nginx, process PID, lives. In the environment, DNS: ADDRESS:PORT of what is asked, default Docker's own; SECONDS for which a
# file of metrics is there before it is written to, default 5.
#
# Of each kind there are files KIND-1.log, KIND-2.log ..., and a link KIND.log to the newest one, which nginx writes to. One that
# is large enough is followed by the next, and the oldest goes. A file keeps its name, so that whoever reads it misses nothing of
# what older workers still write there. Between the requests stands which backend an address is, since nginx names none.
#
# What counts requests reads files that it newly finds from their end, and never forgets a name: of metrics there are three names in
# turn, and the file after the newest one is there long before anything is written to it.
use strict;
use warnings;
use Fcntl qw(:flock);
use IO::Select;
use IO::Socket::INET;

my ($order, $logs, $release, $nginx) = (@ARGV, ('') x 4);
my %line = (
    access => sub { sprintf qq({"time":%d,"address":"%s","app":"%s","backend":"%s"}\n), time, @_ },
    metrics => sub { sprintf "b|%s|%s|%s\n", @_ },
);

# Kinds whose files have names in turn, and how many.
my %turn = (metrics => 3);

# What a release has of logs, of servers and of upstreams, as its file says.
sub plan {
    my %plan = (logs => {}, servers => [], upstreams => {});
    open my $file, '<', "$release/log.txt" or return \%plan;
    while (<$file>) {
        $plan{logs}{$1} = { bytes => $2 << 20, files => $3 } if /^log (\S+) (\d+) (\d+)$/;
        push @{$plan{servers}}, { name => $1, app => $2 eq '-' ? '' : $2, address => $3, port => $4 }
            if /^server (\S+) (\S+) (\S+) (\d+) /;
        $plan{upstreams}{$1} = { name => '', app => $2 } if /^upstream (\S+) (\S+)$/;
    }
    return \%plan;
}

# Where a name in an answer ends: it is a row of parts, or leads back to one.
sub after_name {
    my ($bytes, $at) = @_;
    while ((my $length = ord substr $bytes, $at, 1) != 0) {
        return $at + 2 if $length >= 0xc0;
        $at += 1 + $length;
    }
    return $at + 1;
}

# The addresses of servers that have one now, by Docker's DNS. All are asked for at once: a name that Docker has no more is
# one that it asks others for, and they may take seconds.
sub addresses {
    my @servers = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => $ENV{DNS} // '127.0.0.11:53', Proto => 'udp') or return {};
    for my $id (0 .. $#servers) {
        my $name = join '', map { pack 'C/a*', $_ } split /\./, $servers[$id]{address};
        $socket->send(pack('n6', $id, 0x0100, 1, 0, 0, 0) . $name . pack('xnn', 1, 1));
    }
    my ($select, %known, %answered) = IO::Select->new($socket);
    while (keys %answered < @servers && $select->can_read(0.3)) {
        $socket->recv(my $bytes, 4096);
        next if length $bytes < 12;
        my ($id, undef, undef, $count) = unpack 'n4', $bytes;
        next if $id > $#servers;
        $answered{$id} = 1;
        my $at = 4 + after_name($bytes, 12);
        while ($count-- > 0) {
            $at = after_name($bytes, $at);
            my ($type, undef, undef, $length) = unpack 'nnNn', substr $bytes, $at, 10;
            $at += 10 + $length;
            next unless $type == 1;
            my $address = join '.', unpack 'C4', substr $bytes, $at - 4, 4;
            $known{"$address:$servers[$id]{port}"} = $servers[$id];
            last;
        }
    }
    return \%known;
}

# Lines that say which server each address is.
sub names {
    my ($kind, $known, @which) = @_;
    return join '', map { $line{$kind}->($_, $known->{$_}{app}, $known->{$_}{name}) } sort @which;
}

# The same of all addresses; of metrics, of upstreams, too, which stand in an address's place where no server could be asked.
sub all_names {
    my ($kind, $known, $plan) = @_;
    my %all = (%$known, $kind eq 'metrics' ? %{$plan->{upstreams}} : ());
    return names($kind, \%all, keys %all);
}

# A full disk stops the log, and nothing else.
sub append {
    my ($kind, $text) = @_;
    return if $text eq '';
    open my $file, '>>', "$logs/$kind.log" or return;
    syswrite $file, $text;
}

sub number {
    my ($kind) = @_;
    return (readlink("$logs/$kind.log") // '') =~ /-(\d+)\.log$/ ? $1 : 0;
}

sub after {
    my ($kind, $number) = @_;
    return $turn{$kind} ? $number % $turn{$kind} + 1 : $number + 1;
}

sub next_file {
    my ($kind) = @_;
    return sprintf '%s/%s-%d.log', $logs, $kind, after($kind, number($kind));
}

# Makes the file after the newest one, where names are in turn: empty, and another one than had the name before.
sub spare {
    my $name = next_file(@_);
    unlink $name;
    open my $file, '>', $name;
}

# Begins the file after the newest one, whose number the caller knows, unless somebody has; keeps so many.
sub begin {
    my ($kind, $before, $text, $files) = @_;
    open my $lock, '>', "$logs/.lock" or return;
    flock $lock, LOCK_EX;
    return if number($kind) != $before;
    my $next = after($kind, $before);
    open my $file, $turn{$kind} ? '>>' : '>', "$logs/$kind-$next.log" or return;
    syswrite $file, $text;
    symlink "$kind-$next.log", "$logs/.$kind" and rename "$logs/.$kind", "$logs/$kind.log";
    return spare($kind) if $turn{$kind};
    unlink grep { /-(\d+)\.log$/ && $1 <= $next - $files } glob "$logs/$kind-*.log";
}

if ($order eq 'begin') {
    for my $kind (keys %line) {
        unlink "$logs/.$kind";
        begin($kind, 0, '', 1) if number($kind) == 0;
        # A balancer that was killed may have left none.
        spare($kind) if $turn{$kind} && ! -e next_file($kind);
    }
} elsif ($order eq 'names') {
    my $plan = plan();
    my $known = addresses(@{$plan->{servers}});
    append($_, all_names($_, $known, $plan)) for keys %{$plan->{logs}};
} elsif ($order eq 'keep') {
    my ($said, %known) = (0);
    my %seen = map { $_ => number($_) } keys %line;
    my %since = map { $_ => time } keys %line;
    while (1) {
        my $plan = plan();
        my $now = addresses(@{$plan->{servers}});
        my @new = grep { !$known{$_} || $known{$_}{name} ne $now->{$_}{name} } keys %$now;
        my %wanted = map { $_->{name} => 1 } @{$plan->{servers}};
        # One that has no address at the moment may have answered just before.
        my @left = grep { $wanted{$known{$_}{name}} } keys %known;
        %known = ((map { $_ => $known{$_} } @left), %$now);
        my $isTime = time - $said >= 5;
        $said = time if $isTime;
        for my $kind (keys %{$plan->{logs}}) {
            my $log = $plan->{logs}{$kind};
            # Who reads the metrics may have begun just now.
            append($kind, $kind eq 'metrics' && $isTime ? all_names($kind, \%known, $plan) : names($kind, \%known, @new));
            my $number = number($kind);
            # The file after it is to have been found by now.
            next if $turn{$kind} && time - $since{$kind} < ($ENV{SECONDS} // 5);
            begin($kind, $number, all_names($kind, \%known, $plan), $log->{files})
                if (-s "$logs/$kind.log" // 0) > $log->{bytes};
        }
        # Whoever has begun a file: nginx goes on in it.
        if (my @begun = grep { number($_) != $seen{$_} } keys %line) {
            kill 'USR1', $nginx;
            $seen{$_} = number($_) for @begun;
            $since{$_} = time for @begun;
        }
        # As often as nginx asks.
        my $servers = @{$plan->{servers}};
        select undef, undef, undef, $servers > 50 ? $servers / 50 : 1;
    }
} else {
    die "log.pl: got '$order', expected begin, names or keep\n";
}

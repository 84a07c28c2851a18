#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# config_general.pl FILE...: what Config::General makes of each file with the options that tgt's
# tgt-admin gives it, one JSON value a line.
use strict;
use warnings;
use Config::General qw(ParseConfig);
use JSON::PP;

my $json = JSON::PP->new->ascii->canonical->allow_nonref;
$SIG{__WARN__} = sub { };
foreach my $file (@ARGV) {
    my %tree;
    eval {
        %tree = ParseConfig(-ConfigFile => $file, -UseApacheInclude => 1, -IncludeDirectories => 1,
                            -IncludeGlob => 1, -MergeDuplicateBlocks => 1);
    };
    my $out = $@ ? { error => "$@" } : { tree => \%tree };
    print $json->encode($out), "\n";
}

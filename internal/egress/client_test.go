package egress_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/egress"
)

// The result of a failed delivery names none of our addresses.
func TestWordsWithoutAddresses(t *testing.T) {
	own, there := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 40123}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 443}
	for _, row := range []struct {
		err  error
		want string
	}{
		{
			&net.DNSError{Err: "no such host", Name: "shop.example", Server: "10.0.0.2:53", IsNotFound: true},
			"the host name has no address",
		},
		{
			&net.DNSError{Err: "i/o timeout", Name: "shop.example", Server: "10.0.0.2:53", IsTimeout: true},
			"the host name could not be resolved in time",
		},
		{
			&net.DNSError{Err: "server misbehaving", Name: "shop.example", Server: "10.0.0.2:53"},
			"the host name could not be resolved",
		},
		{
			&net.OpError{Op: "dial", Net: "tcp", Addr: there, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
			"connection refused",
		},
		{&net.OpError{Op: "read", Net: "tcp", Source: own, Addr: there, Err: syscall.ECONNRESET}, "connection reset by peer"},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Addr: there, Err: errors.New("not today")}, "not today"},
		{errors.New("lookup failed on [fe80::1%eth0]:53 and 10.0.0.2:53"), "lookup failed on an address and an address"},
	} {
		for _, err := range []error{row.err, fmt.Errorf("sending: %w", row.err)} {
			got := egress.WithoutAddresses(err)
			if !strings.HasSuffix(got, row.want) || strings.Contains(got, "10.") {
				t.Errorf("%v is said as %q, want %q", err, got, row.want)
			}
		}
	}
}

func TestCheckPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"93.184.216.34:443":                   true,
		"[2606:2800:220:1:248:1893:25c8:1]:8": true,
		"127.0.0.1:80":                        false,
		"127.255.0.1:80":                      false,
		"10.1.2.3:80":                         false,
		"172.31.0.1:80":                       false,
		"172.32.0.1:80":                       true,
		"192.168.1.1:80":                      false,
		"169.254.169.254:80":                  false,
		"100.64.0.1:80":                       false,
		"100.128.0.1:80":                      true,
		"0.0.0.0:80":                          false,
		"0.1.2.3:80":                          false,
		"198.19.0.1:80":                       false,
		"224.0.0.1:80":                        false,
		"255.255.255.255:80":                  false,
		"[::]:80":                             false,
		"[::1]:80":                            false,
		"[::ffff:10.0.0.1]:80":                false,
		"[::7f00:1]:80":                       false,
		"[64:ff9b::a00:1]:80":                 false,
		"[2002:7f00:1::]:80":                  false,
		"[fe80::1%eth0]:80":                   false,
		"[fc00::1]:80":                        false,
		"[fd12::1]:80":                        false,
		"[ff02::1]:80":                        false,
		"somewhere":                           false,
	} {
		if err := egress.CheckPublic(address); (err == nil) != want {
			t.Errorf("%s: public is %v, want %v", address, err == nil, want)
		}
	}
}

func TestMayBePublic(t *testing.T) {
	for host, want := range map[string]bool{
		"shop.example.com": true, "shop.example.com.": true, "93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1": true,
		"0xdeadbeef.example": true, "127.0.0.1": false, "10.0.0.1": false, "::1": false, "::ffff:10.0.0.1": false,
		"169.254.169.254": false, "localhost": false, "LOCALHOST.": false, "a.localhost": false, "127.1": false,
		"2130706433": false, "0x7f000001": false, "0X7f.1": false, "1.0x1": false,
	} {
		if got := egress.MayBePublic(host); got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}

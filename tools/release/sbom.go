package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// writeSBOM lists the modules of a binary, read from the binary itself, in
// CycloneDX's JSON format.
func (r *release) writeSBOM(t target, binary string) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	bom, err := r.bom(info, content)
	if err != nil {
		return err
	}
	file, err := os.Create(r.artifact(t, ".cdx.json"))
	if err != nil {
		return err
	}
	encoder := cyclonedx.NewBOMEncoder(file, cyclonedx.BOMFileFormatJSON).SetPretty(true)
	return errors.Join(encoder.EncodeVersion(bom, cyclonedx.SpecVersion1_6), file.Close())
}

func (r *release) bom(info *buildinfo.BuildInfo, binary []byte) (*cyclonedx.BOM, error) {
	program := module(cyclonedx.ComponentTypeApplication, info.Main.Path, "v"+r.version.name)
	program.Licenses = &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}}
	sum := sha256.Sum256(binary)
	program.Hashes = hashes(sum[:])
	std := module(cyclonedx.ComponentTypeLibrary, "std", strings.TrimPrefix(info.GoVersion, "go"))
	components := []cyclonedx.Component{std}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			return nil, fmt.Errorf("%s is replaced, so its origin is unknown", dep.Path)
		}
		component := module(cyclonedx.ComponentTypeLibrary, dep.Path, dep.Version)
		sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(dep.Sum, "h1:"))
		if err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("%s has no checksum", dep.Path)
		}
		component.Hashes = hashes(sum)
		components = append(components, component)
	}
	var uses []string
	for _, c := range components {
		uses = append(uses, c.BOMRef)
	}
	bom := cyclonedx.NewBOM()
	bom.Metadata = &cyclonedx.Metadata{Timestamp: r.stamp(), Component: &program}
	bom.Components = &components
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: program.BOMRef, Dependencies: &uses}}
	return bom, nil
}

func hashes(sum []byte) *[]cyclonedx.Hash {
	return &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(sum)}}
}

func module(kind cyclonedx.ComponentType, path, version string) cyclonedx.Component {
	address := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	return cyclonedx.Component{
		BOMRef: address, Type: kind, Name: path, Version: version, PackageURL: address, Scope: scope(kind),
	}
}

func scope(kind cyclonedx.ComponentType) cyclonedx.Scope {
	if kind == cyclonedx.ComponentTypeLibrary {
		return cyclonedx.ScopeRequired
	}
	return ""
}

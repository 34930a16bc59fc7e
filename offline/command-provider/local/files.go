package local

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gobwas/glob"
	"github.com/pulumi/pulumi-go-provider/infer/types"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// collect adds the files that the settings ask for.
func (r *Results) collect(dir string, settings Settings) error {
	if settings.AssetPaths != nil {
		assets := map[string]types.AssetOrArchive{}
		if err := eachFile(dir, *settings.AssetPaths, func(path string, asset *resource.Asset) {
			assets[path] = types.AssetOrArchive{Asset: asset}
		}); err != nil {
			return fmt.Errorf("assetPaths: %w", err)
		}
		r.Assets = &assets
	}
	if settings.ArchivePaths != nil {
		assets := map[string]any{}
		if err := eachFile(dir, *settings.ArchivePaths, func(path string, asset *resource.Asset) {
			assets[path] = asset
		}); err != nil {
			return fmt.Errorf("archivePaths: %w", err)
		}
		archive, err := resource.NewAssetArchive(assets)
		if err != nil {
			return fmt.Errorf("archivePaths: %w", err)
		}
		r.Archive = &types.AssetOrArchive{Archive: archive}
	}
	return nil
}

// eachFile visits the files below dir that the patterns choose: the last pattern that matches a path decides, and one
// that starts with "!" excludes.
func eachFile(dir string, patterns []string, visit func(path string, asset *resource.Asset)) error {
	globs := make([]glob.Glob, len(patterns))
	for i, pattern := range patterns {
		compiled, err := glob.Compile(strings.TrimPrefix(pattern, "!"), '/')
		if err != nil {
			return fmt.Errorf("%q: %w", pattern, err)
		}
		globs[i] = compiled
	}
	chosen := func(path string) bool {
		for i := len(globs) - 1; i >= 0; i-- {
			if globs[i].Match(path) {
				return !strings.HasPrefix(patterns[i], "!")
			}
		}
		return false
	}
	return fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !chosen(path) {
			return err
		}
		asset, err := resource.NewPathAsset(filepath.Join(dir, path))
		if err == nil {
			visit(path, asset)
		}
		return err
	})
}

